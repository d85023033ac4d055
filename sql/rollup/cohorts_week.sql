-- Fill cohorts_week from a week on: users of all workspaces together by the week of their first
-- event. Only users of several workspaces can be met twice in a week, so only they are made
-- distinct.
-- params:  start (timestamp: the beginning of an ISO week)
insert into cohorts_week (bucket_utc, cohort_week_utc, users)
with cohorts as (
    select f.user_hash as user_hash, iso_week(min(f.first_utc)) as cohort_week_utc,
           count(*) as workspaces
    from first_seen as f
    group by f.user_hash
), weeks as (
    select w.bucket_utc as bucket_utc, w.user_hash as user_hash
    from active_week as w
    where w.bucket_utc >= $start
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
order by p.bucket_utc, p.cohort_week_utc
