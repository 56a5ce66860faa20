-- What this file is: `schema_version`, and the version of Tenth that made it.
CREATE TABLE tenth_meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL);
