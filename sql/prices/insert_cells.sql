-- Put the cells of a scenario aside, while they are read.
insert into price_cells (
    scenario, cell_id, provider, model, price_context, valid_from_utc, valid_to_utc,
    tier_from_tokens, tier_to_tokens
)
select scenario, cell_id, provider, model, price_context, valid_from_utc, valid_to_utc,
       tier_from_tokens, tier_to_tokens
from incoming
