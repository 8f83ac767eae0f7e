#!/bin/sh
# Runs once, in an empty volume. The service's role owns its database, and makes a role for each
# plugin of each tenant. It is no superuser.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$DATABASE_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
create role service login createrole password :'password';
create database service owner service;
SQL
