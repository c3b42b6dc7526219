package diag

// Codes of the scanner and the parser.
const (
	CodeChar      Code = "E0101"
	CodeDollar    Code = "E0102"
	CodeString    Code = "E0103"
	CodeComment   Code = "E0104"
	CodeEscape    Code = "E0105"
	CodeNumber    Code = "E0106"
	CodeOverflow  Code = "E0107"
	CodeParam     Code = "E0108"
	CodeExpected  Code = "E0110"
	CodeExpr      Code = "E0111"
	CodeSemicolon Code = "E0112"
	CodeUnclosed  Code = "E0113"
	CodePoint     Code = "E0114"
	CodeOrder     Code = "E0115"
	CodeAssign    Code = "E0116"
	CodeIncDec    Code = "E0117"
	CodeAddrOf    Code = "E0118"
	CodeField     Code = "E0119"
	CodeDepth     Code = "E0120"
	CodeLoop      Code = "E0121"
	CodeCDecl     Code = "E0122"
	CodeConfig    Code = "E0123"
	CodeAttribute Code = "E0124"
)

var syntaxCodes = []CodeDoc{
	{CodeChar, "unexpected character",
		"The character has no meaning outside strings and comments.",
		"begin { print(1) ` }"},
	{CodeDollar, "name missing after $",
		"A $ begins a variable ($name), a positional parameter ($1) or their number ($#).",
		"begin { $ = 1; }"},
	{CodeString, "string not closed",
		"A string ends on the line on which it begins. Write \\n for a new line in it and \\\" for a quote.",
		"begin { print(\"hello); }"},
	{CodeComment, "comment not closed",
		"A /* comment runs to the next */, and there is none.",
		"begin { } /* the end"},
	{CodeEscape, "unknown escape in a string",
		"Known are \\n \\t \\r \\\" \\\\, octal \\0 to \\377, and hexadecimal \\x0 to \\xff. Write \\\\ for a backslash.",
		"begin { print(\"a\\qb\"); }"},
	{CodeNumber, "malformed number",
		"Numbers are decimal, hexadecimal (0x1f), octal (017) or scientific (1e6), may have _ between digits, " +
			"and decimal ones may end in u, l, ll, ul, ull or in a unit of time: ns, us, ms, s, m, h, d.",
		"begin { print(12kb); }"},
	{CodeOverflow, "number too large",
		"The number doesn't fit 64 bits, or not the type that its suffix asks for (u: 32 bits), or not once it's in nanoseconds.",
		"begin { print(99999999999999999999); }"},
	{CodeParam, "positional parameter out of range",
		"Positional parameters count from $1.",
		"begin { print($0); }"},
	{CodeExpected, "unexpected token",
		"Something else has to stand at this place; the message names it.",
		"begin { for ($i 0..9) { } }"},
	{CodeExpr, "expression missing",
		"A value has to stand at this place: a number, a string, a variable, a map, a call.",
		"begin { $x = ; }"},
	{CodeSemicolon, "semicolon missing",
		"Statements are separated by semicolons. Only the last of a block, and those that end in a block, do without.",
		"begin { print(1) print(2); }"},
	{CodeUnclosed, "bracket not closed",
		"The script ends before the bracket is closed.",
		"begin { print(1);"},
	{CodePoint, "attach point missing or malformed",
		"A probe begins with the events it attaches to, such as kprobe:vfs_read or interval:s:1, and a quoted part ends in a quote.",
		"begin { } { print(1); }"},
	{CodeOrder, "item in the wrong order",
		"A script begins with its C definitions (#include, #define, struct, union, enum), then config and imports; " +
			"probes, macros, functions and map declarations follow. Constants may stand between them.",
		"begin { }\n#include <linux/sched.h>"},
	{CodeAssign, "target can't be assigned",
		"Variables, maps and elements of maps can be assigned. Tuples, records, and the memory of the kernel or of a process can't be changed.",
		"begin { $t = (1, 2); $t.0 = 3; }"},
	{CodeIncDec, "target can't be incremented",
		"++ and -- need a variable, a map or an element of a map.",
		"begin { 5++; }"},
	{CodeAddrOf, "address of something that has none",
		"& takes the address of a variable or of a map.",
		"begin { $p = &1; }"},
	{CodeField, "field named twice",
		"Each field of a record has a name of its own.",
		"begin { print((a=1, a=2)); }"},
	{CodeDepth, "nested too deeply",
		"Brackets, blocks and operators nest up to about 500 levels; up to 16384 operators, and branches of `else if`, follow each other.",
		""},
	{CodeLoop, "malformed loop",
		"A for loop runs over a map, `for ($kv : @map) { … }`, or over a range without its end, `for ($i : 0..10) { … }`.",
		"begin { for ($i : 10) { } }"},
	{CodeCDecl, "C declaration not supported",
		"Of C declarations a script holds struct, union and enum definitions. Others, such as typedef, go into a header that's included.",
		"typedef int foo;\nbegin { }"},
	{CodeConfig, "malformed config block",
		"The block is `config = { name=value; … }`, and there is one. A value is a number, a word, a string, true or false.",
		"config = { max_map_keys=-1 }\nbegin { }"},
	{CodeAttribute, "malformed __attribute__",
		"Attributes of a definition are written __attribute__((packed)).",
		"struct s { int a; } __attribute__(packed);\nbegin { }"},
}
