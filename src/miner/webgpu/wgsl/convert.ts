/**
 * The kernel between the float32 tensors of the segments and the int8 matrices of the proof.
 * Like all but the GEMM, it does items `first` to `end` of its work (kernels.ts).
 */

/** int8 rows from float32 integers in [−63, 63], four to a word. An item is a word. */
export const packWgsl = (): string => `
struct H { first: u32, end: u32 };
@group(0) @binding(0) var<uniform> h: H;
@group(0) @binding(1) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> packed: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var at = h.first + id.x; at < h.end; at += groups.x * 64u) {
    let b = bitcast<vec4<u32>>(vec4<i32>(values[at])) & vec4<u32>(255u);
    packed[at] = b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
  }
}`;
