-- scope 101ab1340fd1
-- records-clerk CPD city records-service unverified

-- persons: rows may be withheld under B3 and B4; street_address, phone and email are closed under B2; birthplace is closed under C30a1 and T15e; birth_date shows its year only under B2.
SELECT person_id, last_name, first_name, name_lower, (extract(year FROM "birth_date")::integer) AS birth_date, sex, height_cm, case_no, unit, sealed, juvenile, updated_at
FROM public.persons
WHERE NOT "sealed" AND NOT "juvenile";

-- incidents: rows may be withheld under B3 and B4; narrative is closed under B2.
SELECT incident_id, case_no, occurred_at, unit, offense_code, offense, block_address, reporting_person_id, sealed, juvenile
FROM public.incidents
WHERE NOT "sealed" AND NOT "juvenile";

-- arrests: rows may be withheld under B3 and B4; booking_no, released_at and bond_cents are closed under B2.
SELECT arrest_id, person_id, incident_id, case_no, arrested_at, unit, charge, statute, sealed, juvenile
FROM public.arrests
WHERE NOT "sealed" AND NOT "juvenile";

-- field_contacts: rows may be withheld under B3 and B4; narrative is closed under B2.
SELECT contact_id, person_id, contacted_at, unit, officer_star, reason, case_no, sealed, juvenile
FROM public.field_contacts
WHERE NOT "sealed" AND NOT "juvenile";

-- plate_reads: plate, plate_state, camera, latitude, longitude and hit are closed under B2.
SELECT read_id, read_at, unit, case_no
FROM public.plate_reads
WHERE true;

-- nothing is withheld
SELECT case_no, kind, status, assigned_to, unit, opened_at, closed_at
FROM public.cases
WHERE true;
