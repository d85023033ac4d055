-- Forget all ready prices.
delete from price_ranges where true
