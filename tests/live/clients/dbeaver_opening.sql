-- What DBeaver for PostgreSQL asks on connect, on opening a schema and on opening a table.
--
-- After the catalog queries of DBeaver Community, org.jkiss.dbeaver.ext.postgresql (Copyright DBeaver Corp and others,
-- Apache License 2.0): the same catalogs, joins and functions, in a minimal form. `pgAdmin` and `pgjdbc` name their own.
-- A statement ends with a semicolon at the end of a line. Parameters: database (name), schema and table (oids).
-- `-- refused SQLSTATE` stands above a statement that PostgreSQL refuses to a session at this door.

-- On connect.
SET extra_float_digits = 3;
SET application_name = 'DBeaver 25 - Main';
SELECT version();
SELECT current_schema(), session_user;
SHOW search_path;
SHOW standard_conforming_strings;
SHOW TRANSACTION ISOLATION LEVEL;
SELECT string_agg(word, ',') FROM pg_catalog.pg_get_keywords() WHERE catcode <> 'U';
SELECT db.oid, db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate ORDER BY db.datname;
SELECT db.oid, db.* FROM pg_catalog.pg_database db WHERE datname = %(database)s;
SELECT pg_catalog.pg_encoding_to_char(encoding) FROM pg_catalog.pg_database WHERE datname = %(database)s;
SELECT pg_catalog.pg_database_size(%(database)s);
SELECT a.oid, a.*, pd.description FROM pg_catalog.pg_roles a
LEFT OUTER JOIN pg_catalog.pg_shdescription pd ON a.oid = pd.objoid ORDER BY a.rolname;
-- refused 42501
SELECT a.oid, a.* FROM pg_catalog.pg_authid a;
SELECT m.roleid, m.member, m.admin_option FROM pg_catalog.pg_auth_members m;
SELECT n.oid, n.*, d.description FROM pg_catalog.pg_namespace n
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = n.oid AND d.objsubid = 0 AND d.classoid = 'pg_namespace'::regclass
ORDER BY nspname;
SELECT t.oid, t.*, c.relkind, format_type(nullif(t.typbasetype, 0), t.typtypmod) AS base_type_name, d.description
FROM pg_catalog.pg_type t
LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid = t.typelem
LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid = d.objoid
WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C');
SELECT e.* FROM pg_catalog.pg_enum e;
SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN ('standard_conforming_strings', 'server_version_num');
SELECT * FROM pg_catalog.pg_settings;
SELECT pg_catalog.has_database_privilege(%(database)s, 'CREATE');
SELECT l.oid, l.* FROM pg_catalog.pg_language l ORDER BY l.oid;
SELECT am.oid, am.* FROM pg_catalog.pg_am am;
SELECT t.oid, t.*, pg_tablespace_location(t.oid) AS loc FROM pg_catalog.pg_tablespace t;
SELECT e.oid, e.*, n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace;
SELECT * FROM pg_catalog.pg_available_extensions ORDER BY name;
SELECT t.oid, t.*, p.proname FROM pg_catalog.pg_event_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.evtfoid;
SELECT f.oid, f.* FROM pg_catalog.pg_foreign_data_wrapper f;
SELECT s.oid, s.srvname FROM pg_catalog.pg_foreign_server s;
SELECT j.relname FROM pg_catalog.pg_class j JOIN pg_catalog.pg_namespace n ON n.oid = j.relnamespace WHERE n.nspname = 'cron';
SELECT sa.pid, sa.usename, sa.state, sa.query FROM pg_catalog.pg_stat_activity sa;
SELECT l.locktype, l.relation, l.mode FROM pg_catalog.pg_locks l;
SELECT pg_catalog.pg_is_in_recovery();

-- On opening a schema.
SELECT c.oid, c.*, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS partition_expr,
  pg_catalog.pg_get_partkeydef(c.oid) AS partition_key
FROM pg_catalog.pg_class c
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass
WHERE c.relnamespace = %(schema)s AND c.relkind NOT IN ('i', 'I', 'c');
SELECT c.oid, pg_catalog.pg_total_relation_size(c.oid) AS total_rel_size, pg_catalog.pg_relation_size(c.oid) AS rel_size
FROM pg_catalog.pg_class c WHERE c.relnamespace = %(schema)s;
SELECT c.oid, c.collname FROM pg_catalog.pg_collation c WHERE c.collnamespace = %(schema)s;
SELECT p.oid, p.*, l.lanname, pg_catalog.pg_get_function_result(p.oid) FROM pg_catalog.pg_proc p
LEFT OUTER JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE p.pronamespace = %(schema)s ORDER BY p.proname;
SELECT t.oid, t.* FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(schema)s;
SELECT s.schemaname, s.sequencename, s.last_value FROM pg_catalog.pg_sequences s;
SELECT i.inhrelid, i.inhparent, i.inhseqno FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
WHERE c.relnamespace = %(schema)s;
SELECT r.oid, r.rulename FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = %(schema)s;
SELECT pol.polname, pg_catalog.pg_get_expr(pol.polqual, pol.polrelid) FROM pg_catalog.pg_policy pol
JOIN pg_catalog.pg_class c ON c.oid = pol.polrelid WHERE c.relnamespace = %(schema)s;
SELECT s.relname, s.reltuples FROM pg_catalog.pg_class s WHERE s.relnamespace = %(schema)s;

-- On opening a table.
SELECT c.relname, a.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) AS def_value, dsc.description, dep.objid
FROM pg_catalog.pg_attribute a
INNER JOIN pg_catalog.pg_class c ON a.attrelid = c.oid
LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum
LEFT OUTER JOIN pg_catalog.pg_description dsc ON c.oid = dsc.objoid AND a.attnum = dsc.objsubid
LEFT OUTER JOIN pg_catalog.pg_depend dep ON dep.refobjid = a.attrelid AND dep.deptype = 'i'
  AND dep.refobjsubid = a.attnum AND dep.classid = dep.refclassid
WHERE NOT a.attisdropped AND c.oid = %(table)s ORDER BY a.attnum;
SELECT c.oid, c.*, t.relname AS tabrelname, rt.relnamespace AS refnamespace, d.description,
  pg_catalog.pg_get_constraintdef(c.oid) AS definition
FROM pg_catalog.pg_constraint c
INNER JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid = c.confrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0
WHERE c.conrelid = %(table)s OR c.confrelid = %(table)s;
SELECT i.*, i.indkey AS keys, c.relname, tc.relname AS tabrelname, pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS pred_expr,
  pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) AS expr, pg_catalog.pg_relation_size(i.indexrelid) AS index_rel_size
FROM pg_catalog.pg_index i
INNER JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
INNER JOIN pg_catalog.pg_class tc ON tc.oid = i.indrelid WHERE i.indrelid = %(table)s;
-- refused 42501
SELECT i.indexrelid, pg_catalog.pg_stat_get_numscans(i.indexrelid) AS index_num_scans FROM pg_catalog.pg_index i;
SELECT pg_catalog.pg_get_viewdef(%(table)s, true);
SELECT pg_catalog.pg_get_ruledef(r.oid) FROM pg_catalog.pg_rewrite r WHERE r.ev_class = %(table)s;
SELECT x.* FROM persons x LIMIT 200;
SELECT count(*) FROM persons x;
-- refused 42703
SELECT x.ctid, x.* FROM persons x LIMIT 200;
-- refused 42501
SELECT x.* FROM public.persons x LIMIT 200;
-- refused 42501
SELECT count(*) FROM public.persons x;
-- refused 42501
EXPLAIN SELECT x.* FROM persons x;
SELECT s.tablename, s.attname, s.most_common_vals::text FROM pg_catalog.pg_stats s;
-- refused 42501
SELECT * FROM pg_catalog.pg_statistic;
SELECT s.relname, s.n_live_tup FROM pg_catalog.pg_stat_user_tables s;

-- pgAdmin 4, on connect.
SET DateStyle=ISO;
SET client_min_messages=notice;
SELECT set_config('bytea_output', 'hex', false) FROM pg_catalog.pg_show_all_settings() WHERE name = 'bytea_output';
SELECT roles.oid AS id, roles.rolname AS name, roles.rolsuper AS is_superuser,
  CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreaterole END AS can_create_role
FROM pg_catalog.pg_roles AS roles WHERE rolname = current_user;
SELECT gss_authenticated, encrypted FROM pg_catalog.pg_stat_gssapi WHERE pid = pg_backend_pid();
SELECT db.oid AS did, db.datname, has_database_privilege(db.oid, 'CREATE') AS cancreate FROM pg_catalog.pg_database db;
SELECT usename FROM pg_catalog.pg_stat_replication;
-- refused 42501
SELECT name, setting FROM pg_catalog.pg_file_settings;
-- refused 42501
SELECT * FROM pg_catalog.pg_hba_file_rules;
