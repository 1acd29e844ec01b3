"""The only door to the Agora Cloud Recording service.

`client.py` is where to start reading: seven methods, one for each call. Below it: `exchange.py`
sends one call, repeated where that is safe; `error_table.py` says what each answer means;
`budget.py` and `line.py` keep to the service's request rate; `http.py` alone knows httpx.
`notifications.py` reads what the service sends by itself, `rtc_token.py` makes channel tokens.
"""
