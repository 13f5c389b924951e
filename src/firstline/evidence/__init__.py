"""What the ledger and the rows it binds can show to somebody who was not there: packs that prove
themselves, and events for a SIEM."""
