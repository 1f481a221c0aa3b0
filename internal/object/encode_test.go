package object

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

func TestEncode(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     any
		want   map[string]any
	}{
		"OnlyWhatWasSet": {
			reason: "Zero values, nil maps, empty structs and the status never appear; pointers to zero values do.",
			in: &appsv1.StatefulSet{
				TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
				ObjectMeta: metav1.ObjectMeta{Name: "s", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{}},
				Spec: appsv1.StatefulSetSpec{
					Replicas: ptr.To(int32(0)),
					Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
						EnableServiceLinks: ptr.To(false),
						Containers: []corev1.Container{{
							Name:      "c",
							Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("0.1")}},
							ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
								HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(8080)},
							}},
						}},
						Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
					}},
				},
				Status: appsv1.StatefulSetStatus{Replicas: 3},
			},
			want: map[string]any{
				"apiVersion": "apps/v1",
				"kind":       "StatefulSet",
				"metadata":   map[string]any{"name": "s", "labels": map[string]any{"a": "b"}},
				"spec": map[string]any{
					"replicas": 0.0,
					"template": map[string]any{"spec": map[string]any{
						"enableServiceLinks": false,
						"containers": []any{map[string]any{
							"name":           "c",
							"resources":      map[string]any{"requests": map[string]any{"cpu": "100m"}},
							"readinessProbe": map[string]any{"httpGet": map[string]any{"path": "/ready", "port": 8080.0}},
						}},
						"volumes": []any{map[string]any{"name": "v", "emptyDir": map[string]any{}}},
					}},
				},
			},
		},
		"SpecialTypes": {
			reason: "Bytes, times, numbers or strings, and empty list items have their JSON form.",
			in: &struct {
				Data  []byte             `json:"data"`
				At    metav1.Time        `json:"at"`
				Never metav1.Time        `json:"never"`
				Port  intstr.IntOrString `json:"port"`
				Items []struct {
					A string `json:"a,omitempty"`
				} `json:"items"`
				Every map[string]struct{} `json:"every"`
				Count int                 `json:"count"`
			}{
				Data: []byte("hi"), At: metav1.NewTime(time.Unix(0, 0)), Port: intstr.FromString("http"),
				Items: make([]struct {
					A string `json:"a,omitempty"`
				}, 1),
				Every: map[string]struct{}{"k": {}},
			},
			want: map[string]any{
				"data": "aGk=", "at": "1970-01-01T00:00:00Z", "port": "http", "items": []any{map[string]any{}},
				"every": map[string]any{"k": map[string]any{}}, "count": 0.0,
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := NewEncoder().Encode(tc.in)
			if err != nil {
				t.Fatalf("\n%s\nEncode(...): %v", tc.reason, err)
			}
			if diff := cmp.Diff(tc.want, got.AsMap()); diff != "" {
				t.Errorf("\n%s\nEncode(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestEncodeErrors(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     any
	}{
		"NoPointer":   {reason: "A struct by value is refused.", in: corev1.Pod{}},
		"Nil":         {reason: "A nil pointer is refused.", in: (*corev1.Pod)(nil)},
		"NoStruct":    {reason: "A pointer to something else is refused.", in: ptr.To("x")},
		"Unencodable": {reason: "A kind of value that JSON cannot hold is refused.", in: &struct{ F any }{F: func() {}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := NewEncoder().Encode(tc.in)
			if diff := cmp.Diff(cmpopts.AnyError, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nEncode(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestEncodeSharesParts(t *testing.T) {
	template := []corev1.Container{{Name: "c", Image: "i"}}
	a := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.PodSpec{Containers: template}}
	b := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "b"}, Spec: corev1.PodSpec{Containers: template}}
	e := NewEncoder()
	sa, err := e.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	sb, err := e.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	if New(sa).Value("spec", "containers") != New(sb).Value("spec", "containers") {
		t.Error("a list that two objects share should be converted once")
	}
	if New(sa).Name() != "a" || New(sb).Name() != "b" {
		t.Errorf("objects that share a part should keep their own names, got %q and %q", New(sa).Name(), New(sb).Name())
	}
}
