-- Users active in an ISO week by the week of their first event, of all workspaces together.
create table cohorts_week (
    bucket_utc timestamp not null,
    cohort_week_utc timestamp not null,
    users bigint not null
);
insert into cohorts_week (bucket_utc, cohort_week_utc, users)
with cohorts as (
    select f.user_hash as user_hash, iso_week(min(f.first_utc)) as cohort_week_utc,
           count(*) as workspaces
    from first_seen as f
    group by f.user_hash
), weeks as (
    select w.bucket_utc as bucket_utc, w.user_hash as user_hash
    from active_week as w
), pairs as (
    select w.bucket_utc as bucket_utc, a.cohort_week_utc as cohort_week_utc, count(*) as users
    from weeks as w
    join cohorts as a on a.user_hash = w.user_hash
    where a.workspaces = 1
    group by w.bucket_utc, a.cohort_week_utc
    union all
    select d.bucket_utc as bucket_utc, d.cohort_week_utc as cohort_week_utc, count(*) as users
    from (
        select distinct w.bucket_utc as bucket_utc, b.cohort_week_utc as cohort_week_utc,
               w.user_hash as user_hash
        from weeks as w
        join cohorts as b on b.user_hash = w.user_hash
        where b.workspaces > 1
    ) as d
    group by d.bucket_utc, d.cohort_week_utc
)
select p.bucket_utc, p.cohort_week_utc, sum(p.users)::bigint as users_sum
from pairs as p
group by p.bucket_utc, p.cohort_week_utc
order by p.bucket_utc, p.cohort_week_utc;
