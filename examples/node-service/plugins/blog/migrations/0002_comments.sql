create table comments (
  id text primary key,
  slug text not null references posts (slug) on delete cascade,
  name text not null,
  text text not null,
  -- waiting or approved
  status text not null,
  at text not null
);
create index comments_by_post on comments (slug, status, at);
create index comments_by_status on comments (status, at);
