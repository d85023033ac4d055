"""Files of events: what format they have, how they are read, what is wrong with them."""
