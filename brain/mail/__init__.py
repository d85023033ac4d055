"""Messages by e-mail: kept in the state store until every recipient has an answer."""
