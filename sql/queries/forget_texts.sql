-- Take the wording of every question of a workspace away; its hash and topic stay.
-- params:  workspace_id (text)
update requests set query_text = null
where workspace_id = $workspace_id and query_text is not null
