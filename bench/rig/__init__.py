"""What the scripts of bench/ share: load clients, floors, readings of the machine. Each script asks one question."""
