-- Bounds what this session may do: reading only, each statement for a limited time.
-- params:  timeout_ms (text)
-- columns: read_only, statement_timeout
select set_config('default_transaction_read_only', 'on', false) as read_only,
       set_config('statement_timeout', $timeout_ms, false) as statement_timeout
