package sample

type Thing struct{ Size int }

func (t *Thing) Do() {}
