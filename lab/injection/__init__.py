"""Known faults, put on the running lab and taken off again, and the comparison of what the suite then says."""
