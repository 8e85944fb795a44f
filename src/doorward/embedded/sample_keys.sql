-- Keys, indexes and rights of the sample database, after its rows: an index built at once is faster than one
-- that grows.

ALTER TABLE persons ADD PRIMARY KEY (person_id);
ALTER TABLE incidents ADD PRIMARY KEY (incident_id);
ALTER TABLE arrests ADD PRIMARY KEY (arrest_id);
ALTER TABLE field_contacts ADD PRIMARY KEY (contact_id);
ALTER TABLE plate_reads ADD PRIMARY KEY (read_id);
ALTER TABLE cases ADD PRIMARY KEY (case_no);

ALTER TABLE incidents ADD FOREIGN KEY (reporting_person_id) REFERENCES persons;
ALTER TABLE arrests ADD FOREIGN KEY (person_id) REFERENCES persons;
ALTER TABLE arrests ADD FOREIGN KEY (incident_id) REFERENCES incidents;
ALTER TABLE field_contacts ADD FOREIGN KEY (person_id) REFERENCES persons;

CREATE INDEX ON persons (name_lower);
CREATE INDEX ON persons (case_no);
CREATE INDEX ON persons (unit);
CREATE INDEX ON persons (updated_at);
CREATE INDEX ON incidents (case_no);
CREATE INDEX ON incidents (unit);
CREATE INDEX ON incidents (occurred_at);
CREATE INDEX ON incidents (reporting_person_id);
CREATE INDEX ON arrests (case_no);
CREATE INDEX ON arrests (unit);
CREATE INDEX ON arrests (arrested_at);
CREATE INDEX ON arrests (released_at);
CREATE INDEX ON arrests (person_id);
CREATE INDEX ON arrests (incident_id);
CREATE INDEX ON field_contacts (case_no);
CREATE INDEX ON field_contacts (unit);
CREATE INDEX ON field_contacts (contacted_at);
CREATE INDEX ON field_contacts (person_id);
CREATE INDEX ON plate_reads (plate);
CREATE INDEX ON plate_reads (case_no);
CREATE INDEX ON plate_reads (unit);
CREATE INDEX ON plate_reads (read_at);
CREATE INDEX ON cases (unit);
CREATE INDEX ON cases (opened_at);
CREATE INDEX ON cases (closed_at);

-- An application of the city that is there already, and must notice nothing of doorward.
GRANT SELECT, INSERT, UPDATE ON persons, incidents, arrests, field_contacts, plate_reads, cases TO records_app;
GRANT SELECT ON persons, incidents, arrests, field_contacts, plate_reads, cases TO analyst_ro;

ANALYZE persons, incidents, arrests, field_contacts, plate_reads, cases;
