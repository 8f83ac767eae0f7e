create table posts (
  slug text primary key,
  title text not null,
  text text not null,
  author text not null,
  -- draft, scheduled or published
  status text not null,
  -- When it was published, or will be.
  published text,
  created text not null,
  updated text not null
);
create index posts_by_status on posts (status, published);
