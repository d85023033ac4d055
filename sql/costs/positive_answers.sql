-- Answers that users called good (4 or 5 stars) in a span, by a dimension of their requests.
-- A request is looked for from a week before the span on; feedback without one counts in the
-- whole, under the empty name, and where workspace, agent or user are asked for.
-- params:  dimension (text: '' or workspace_id, agent_id, user_id, provider, model, price_context,
--          feature, variant, api_key_id), request_start, start, end (timestamp),
--          workspaces, models, agents (text list, empty for all)
-- columns: name, answers (with 4 or 5 stars), rated
with told as (
    select f.request_id, f.workspace_id, f.agent_id, f.user_id, f.stars
    from feedback as f
    where f.at_utc >= $start and f.at_utc < $end and matches($workspaces, f.workspace_id)
), asked as (
    select r.event_id, r.provider, r.model, r.price_context, r.feature, r.variant, r.api_key_id,
           r.agent_id
    from requests as r
    where r.at_utc >= $request_start and r.at_utc < $end
      and r.event_id in (select t.request_id from told as t)
)
select case when $dimension = 'workspace_id' then t.workspace_id
            when $dimension = 'agent_id' then t.agent_id
            when $dimension = 'user_id' then t.user_id
            when $dimension = 'provider' then coalesce(a.provider, '')
            when $dimension = 'model' then coalesce(a.model, '')
            when $dimension = 'price_context' then coalesce(a.price_context, '')
            when $dimension = 'feature' then coalesce(a.feature, '')
            when $dimension = 'variant' then coalesce(a.variant, '')
            when $dimension = 'api_key_id' then coalesce(a.api_key_id, '')
            else '' end as name,
       sum(case when t.stars >= 4 then 1 else 0 end)::bigint as answers,
       count(*) as rated
from told as t
left join asked as a on a.event_id = t.request_id
where matches($models, coalesce(a.model, '')) and matches($agents, t.agent_id)
group by name
order by answers desc, name
limit 1000
