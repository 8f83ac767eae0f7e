-- Every state of a note that was saved. What was there before has one.
create table revisions (
  note text not null references notes (id) on delete cascade,
  number integer not null,
  title text not null,
  text text not null,
  author text not null,
  at text not null,
  primary key (note, number)
);
insert into revisions (note, number, title, text, author, at)
  select id, 1, title, text, author, updated from notes;
alter table notes add column revision integer not null default 1;
