-- Users of weekly cohorts who came back: a user's cohort is the ISO week of their first event ever
-- in the workspaces chosen; weeks_after 0 has the whole cohort. Exact: rollups count the users of
-- all workspaces together; of some, only users of several of them can be met twice in a week, so
-- only they are made distinct.
-- params:  start, end (timestamp: whole ISO weeks), workspaces (text list, empty for all)
-- columns: cohort_week_utc, weeks_after, users (distinct)
with cohorts as (
    select f.user_hash as user_hash, iso_week(min(f.first_utc)) as cohort_week_utc,
           count(*) as workspaces
    from first_seen as f
    where not takes_all($workspaces) and matches($workspaces, f.workspace_id)
    group by f.user_hash
), chosen as (
    select c.user_hash as user_hash, c.cohort_week_utc as cohort_week_utc,
           c.workspaces as workspaces
    from cohorts as c
    where c.cohort_week_utc >= $start and c.cohort_week_utc < $end
), weeks as (
    select w.bucket_utc as week_utc, w.user_hash as user_hash
    from active_week as w
    where w.bucket_utc >= $start and w.bucket_utc < $end and matches($workspaces, w.workspace_id)
      and not takes_all($workspaces)
), pairs as (
    select t.cohort_week_utc as cohort_week_utc, t.bucket_utc as week_utc, t.users as users
    from cohorts_week as t
    where t.bucket_utc >= $start and t.bucket_utc < $end and t.cohort_week_utc >= $start
      and takes_all($workspaces)
    union all
    select a.cohort_week_utc as cohort_week_utc, w.week_utc as week_utc, count(*)::bigint as users
    from weeks as w
    join chosen as a on a.user_hash = w.user_hash
    where a.workspaces = 1
    group by a.cohort_week_utc, w.week_utc
    union all
    select d.cohort_week_utc as cohort_week_utc, d.week_utc as week_utc, count(*)::bigint as users
    from (
        select distinct b.cohort_week_utc as cohort_week_utc, w.week_utc as week_utc,
               w.user_hash as user_hash
        from weeks as w
        join chosen as b on b.user_hash = w.user_hash
        where b.workspaces > 1
    ) as d
    group by d.cohort_week_utc, d.week_utc
)
select p.cohort_week_utc as cohort_week_utc,
       floor(seconds_between(p.cohort_week_utc, p.week_utc) / 604800 + 0.5)::bigint as weeks_after,
       sum(p.users)::bigint as users
from pairs as p
group by p.cohort_week_utc, p.week_utc
order by cohort_week_utc, weeks_after
