module producers

go 1.21
