"""What shall be: answers every input of a patient with decisions, and takes clinicians' rulings."""
