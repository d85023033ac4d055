-- Make text times without a zone mean UTC.
set TimeZone = 'UTC'
