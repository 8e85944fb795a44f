"""`doorward records`: facts that a named official sets, each with its evidence and its end, signed with their own key.

At the database door agreements and declarations count. Determinations and papers are kept for the desk: no paper is
taken at the database in version 1, whoever verified it.

Exit codes: 0 done; 1 the signature or the office is not what it must be; 2 an argument is wrong.
"""
