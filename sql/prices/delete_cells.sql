-- Forget the cells of a scenario.
-- params:  scenario (text)
delete from price_cells where scenario = $scenario
