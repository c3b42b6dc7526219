package types

type checker struct{}
