"""What every process needs around it: settings, servers from wheels, processes, logging."""
