"""Who answers: clients of model providers behind one interface."""
