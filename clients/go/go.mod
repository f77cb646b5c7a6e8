module creatify-from-go

go 1.19
