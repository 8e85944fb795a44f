"""What an inspector general can publish of an audit: pages, a document, tables, and the question behind each number."""
