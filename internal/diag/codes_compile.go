package diag

// Codes of the limits of BPF.
const (
	CodeLimit Code = "E0501"
)

var compileCodes = []CodeDoc{
	{CodeLimit, "program too large for BPF",
		"A BPF program has 512 bytes of stack, jumps of 16 bits on kernels before 6.6, and a " +
			"limit of instructions. Split the probe into several, or lower max_strlen or on_stack_limit.",
		`begin { unroll(100) { unroll(100) { unroll(100) { @[nsecs] = count(); } } } }`},
}
