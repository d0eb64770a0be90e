small 'driver leaker.sys size=0x8000 company="Fabrikam Ltd." version=2.1.0.7 tags=Leak/1024'
poolscope owners small.dmp --json --tag Leak
