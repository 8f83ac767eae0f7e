create table entries (id integer primary key, text text not null, added text not null) strict;
create index entries_by_text on entries (text);
