package fn

func Run() {}
