-- Provider and model names, and price contexts, that rolled-up requests carry.
-- columns: provider, model, price_context
select distinct provider, model, price_context from spend_day
order by provider, model, price_context
