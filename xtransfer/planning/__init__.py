"""From a study to its stages. Pure: nothing runs here."""
