create table notes (
  id text primary key,
  title text not null,
  text text not null,
  -- Title, text and tags in small letters, for the search.
  words text not null,
  author text not null,
  created text not null,
  updated text not null
);
create index notes_by_time on notes (updated);
create table tags (
  note text not null references notes (id) on delete cascade,
  tag text not null,
  primary key (note, tag)
);
create index tags_by_tag on tags (tag);
