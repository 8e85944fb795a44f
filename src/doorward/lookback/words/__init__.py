"""What the words of an access say."""
