"""What the service would refuse or misunderstand in one recording's start (agora-api.md 3.13)."""
