"""The fund: public money for legal defense, by agreements with grantees, and no field for a person served."""
