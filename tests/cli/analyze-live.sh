dump live
poolscope live.dmp --top 3
