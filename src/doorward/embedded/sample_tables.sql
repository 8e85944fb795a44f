-- The tables of the sample database, as a city might have grown them: no column is named for doorward, and one
-- (`birthplace`) stands there because such columns exist and an order must close them.

CREATE TABLE persons (
  person_id      integer NOT NULL,
  last_name      text NOT NULL,
  first_name     text NOT NULL,
  name_lower     text NOT NULL GENERATED ALWAYS AS (lower(last_name || ', ' || first_name)) STORED,
  birth_date     date NOT NULL,
  sex            text NOT NULL,
  height_cm      integer NOT NULL,
  street_address text NOT NULL,
  phone          text NOT NULL,
  email          text NOT NULL,
  birthplace     text,
  case_no        text NOT NULL DEFAULT '',
  unit           text NOT NULL,
  sealed         boolean NOT NULL,
  juvenile       boolean NOT NULL,
  updated_at     timestamptz NOT NULL
);

CREATE TABLE incidents (
  incident_id         integer NOT NULL,
  case_no             text NOT NULL,
  occurred_at         timestamptz NOT NULL,
  unit                text NOT NULL,
  offense_code        text NOT NULL,
  offense             text NOT NULL,
  block_address       text NOT NULL,
  narrative           text NOT NULL,
  reporting_person_id integer NOT NULL,
  sealed              boolean NOT NULL,
  juvenile            boolean NOT NULL
);

CREATE TABLE arrests (
  arrest_id   integer NOT NULL,
  person_id   integer NOT NULL,
  incident_id integer NOT NULL,
  case_no     text NOT NULL,
  arrested_at timestamptz NOT NULL,
  unit        text NOT NULL,
  charge      text NOT NULL,
  statute     text NOT NULL,
  booking_no  text NOT NULL,
  released_at timestamptz,
  bond_cents  bigint NOT NULL,
  sealed      boolean NOT NULL,
  juvenile    boolean NOT NULL
);

CREATE TABLE field_contacts (
  contact_id   integer NOT NULL,
  person_id    integer NOT NULL,
  contacted_at timestamptz NOT NULL,
  unit         text NOT NULL,
  officer_star text NOT NULL,
  reason       text NOT NULL,
  narrative    text NOT NULL,
  case_no      text NOT NULL DEFAULT '',
  sealed       boolean NOT NULL,
  juvenile     boolean NOT NULL
);

CREATE TABLE plate_reads (
  read_id     bigint NOT NULL,
  plate       text NOT NULL,
  plate_state text NOT NULL,
  read_at     timestamptz NOT NULL,
  camera      text NOT NULL,
  latitude    double precision NOT NULL,
  longitude   double precision NOT NULL,
  unit        text NOT NULL,
  hit         boolean NOT NULL,
  case_no     text NOT NULL DEFAULT ''
);

-- The register: which cases there are, whose they are, and whether they are open.
CREATE TABLE cases (
  case_no     text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('criminal', 'traffic', 'administrative')),
  status      text NOT NULL CHECK (status IN ('open', 'closed')),
  assigned_to text NOT NULL,
  unit        text NOT NULL,
  opened_at   timestamptz NOT NULL,
  closed_at   timestamptz,
  CHECK ((status = 'closed') = (closed_at IS NOT NULL))
);
