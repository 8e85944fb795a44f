-- scope 1d2cfbf2ec57
-- officer CPD city safety unverified

-- persons: rows may be withheld under B3 and B4; birthplace is closed under C30a1 and T15e.
SELECT person_id, last_name, first_name, name_lower, birth_date, sex, height_cm, street_address, phone, email, case_no, unit, sealed, juvenile, updated_at
FROM public.persons
WHERE NOT "sealed" AND NOT "juvenile";

-- incidents: rows may be withheld under B3 and B4.
SELECT incident_id, case_no, occurred_at, unit, offense_code, offense, block_address, narrative, reporting_person_id, sealed, juvenile
FROM public.incidents
WHERE NOT "sealed" AND NOT "juvenile";

-- arrests: rows may be withheld under B3 and B4.
SELECT arrest_id, person_id, incident_id, case_no, arrested_at, unit, charge, statute, booking_no, released_at, bond_cents, sealed, juvenile
FROM public.arrests
WHERE NOT "sealed" AND NOT "juvenile";

-- field_contacts: rows may be withheld under B3 and B4.
SELECT contact_id, person_id, contacted_at, unit, officer_star, reason, narrative, case_no, sealed, juvenile
FROM public.field_contacts
WHERE NOT "sealed" AND NOT "juvenile";

-- nothing is withheld
SELECT read_id, plate, plate_state, read_at, camera, latitude, longitude, unit, hit, case_no
FROM public.plate_reads
WHERE true;

-- nothing is withheld
SELECT case_no, kind, status, assigned_to, unit, opened_at, closed_at
FROM public.cases
WHERE true;
