package parity

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// A module finds what the Go files below a folder declare. It reads the syntax only, so that it needs no compiler and sees
// tests that are built under conditions.
type module struct {
	root    string
	folders map[string]*folder
}

// A folder holds the declarations of the Go files in a folder.
type folder struct {
	// symbols are declared outside tests: functions, types, constants, variables; methods and fields after their type and a dot.
	symbols map[string]bool
	// tests are the test functions with the names of their cases.
	tests map[string]map[string]bool
}

func newModule(root string) *module { return &module{root: root, folders: map[string]*folder{}} }

// has is true if a file or folder of this path exists.
func (m *module) has(path string) bool {
	_, err := os.Stat(filepath.Join(m.root, filepath.FromSlash(path)))
	return err == nil
}

// folder returns the declarations of a folder. One that does not exist declares nothing.
func (m *module) folder(path string) (*folder, error) {
	if f, ok := m.folders[path]; ok {
		return f, nil
	}
	files, err := filepath.Glob(filepath.Join(m.root, filepath.FromSlash(path), "*.go"))
	if err != nil {
		return nil, errors.Wrap(err, "cannot list Go files")
	}
	out := &folder{symbols: map[string]bool{}, tests: map[string]map[string]bool{}}
	// A folder may have two packages of tests, whose declarations have nothing to do with each other.
	tests := map[string][]*ast.File{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, errors.Wrap(err, "cannot parse Go file")
		}
		if strings.HasSuffix(name, "_test.go") {
			tests[f.Name.Name] = append(tests[f.Name.Name], f)
			continue
		}
		maps.Copy(out.symbols, symbols(f))
	}
	for _, fs := range tests {
		for name, cases := range testsOf(fs) {
			if out.tests[name] == nil {
				out.tests[name] = map[string]bool{}
			}
			maps.Copy(out.tests[name], cases)
		}
	}
	m.folders[path] = out
	return out, nil
}

// symbols returns the names that a file declares.
func symbols(f *ast.File) map[string]bool {
	out := map[string]bool{}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			out[receiver(d)+d.Name.Name] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				addSpec(out, s)
			}
		}
	}
	return out
}

// receiver returns the type of a method and a dot, and nothing for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	e := d.Recv.List[0].Type
	for {
		switch t := e.(type) {
		case *ast.StarExpr:
			e = t.X
		case *ast.IndexExpr:
			e = t.X
		case *ast.Ident:
			return t.Name + "."
		default:
			return ""
		}
	}
}

func addSpec(out map[string]bool, s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			out[n.Name] = true
		}
	case *ast.TypeSpec:
		out[s.Name.Name] = true
		st, ok := s.Type.(*ast.StructType)
		if !ok {
			return
		}
		for _, f := range st.Fields.List {
			for _, n := range f.Names {
				out[s.Name.Name+"."+n.Name] = true
			}
		}
	}
}

// testsOf returns the test functions of a package of tests with the names of their cases: the keys in tables and the names
// given to Run, in the function itself and in every declaration of the package that it leads to.
func testsOf(files []*ast.File) map[string]map[string]bool {
	decls := map[string][]ast.Node{}
	var names []string
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && isTest(fn.Name.Name) {
				names = append(names, fn.Name.Name)
			}
			for _, n := range declared(d) {
				decls[n] = append(decls[n], d)
			}
		}
	}
	out := map[string]map[string]bool{}
	for _, n := range names {
		out[n] = cases(decls, n)
	}
	return out
}

func isTest(name string) bool {
	return slices.ContainsFunc([]string{"Test", "Fuzz", "Benchmark"}, func(p string) bool { return strings.HasPrefix(name, p) })
}

// declared returns the names that a declaration declares.
func declared(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return []string{d.Name.Name}
	case *ast.GenDecl:
		out := map[string]bool{}
		for _, s := range d.Specs {
			addSpec(out, s)
		}
		return slices.Collect(maps.Keys(out))
	}
	return nil
}

// cases returns the names of cases that are found from a declaration on.
func cases(decls map[string][]ast.Node, from string) map[string]bool {
	out, seen := map[string]bool{}, map[string]bool{from: true}
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				out[s] = true
			}
		}
	}
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		for _, d := range decls[todo[0]] {
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					if len(decls[n.Name]) > 0 && !seen[n.Name] {
						seen[n.Name] = true
						todo = append(todo, n.Name)
					}
				case *ast.KeyValueExpr:
					add(n.Key)
				case *ast.CallExpr:
					if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Run" && len(n.Args) > 0 {
						add(n.Args[0])
					}
				}
				return true
			})
		}
	}
	return out
}
