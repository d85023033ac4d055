-- Take over ready prices.
insert into price_ranges (
    provider, model, price_context, valid_from_utc, valid_to_utc, tier_from_tokens,
    tier_to_tokens, input_pico_usd, cache_read_pico_usd, cache_write_pico_usd, output_pico_usd,
    request_pico_usd, price_id
)
select
    provider, model, price_context, valid_from_utc, valid_to_utc, tier_from_tokens,
    tier_to_tokens, input_pico_usd, cache_read_pico_usd, cache_write_pico_usd, output_pico_usd,
    request_pico_usd, price_id
from incoming
