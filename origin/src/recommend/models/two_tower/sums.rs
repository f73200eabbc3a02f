//! Weighed sums of a table's rows, as an operation that the tensors' library can go back through.
//!
//! Own code, because items and histories have few or many features: here only rows that count are touched, where the
//! library's way (select rows into a block padded to the longest, multiply, add up) holds and multiplies all of it.

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor};

/// For each sum the rows of the table and their weights.
pub(super) struct Sums(pub(super) Vec<Vec<(u32, f32)>>);

impl Sums {
    /// The sums of a table's rows, one after the other.
    pub(super) fn of(self, table: &Tensor) -> Result<Tensor> {
        table.apply_op1(self)
    }
}

impl CustomOp1 for Sums {
    fn name(&self) -> &'static str {
        "sums"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let Some((begin, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("the table is not in one piece");
        };
        let table = &storage.as_slice::<f32>()?[begin..end];
        let mut sums = vec![0f32; self.0.len() * width];
        for (sum, rows) in sums.chunks_exact_mut(width).zip(&self.0) {
            for (row, weight) in rows {
                let row = &table[*row as usize * width..][..width];
                sum.iter_mut()
                    .zip(row)
                    .for_each(|(sum, value)| *sum += weight * value);
            }
        }
        Ok((CpuStorage::F32(sums), Shape::from((self.0.len(), width))))
    }

    fn bwd(&self, table: &Tensor, _: &Tensor, of_sums: &Tensor) -> Result<Option<Tensor>> {
        let (count, width) = table.dims2()?;
        let of_sums = of_sums
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        let mut gradient = vec![0f32; count * width];
        for (of_sum, rows) in of_sums.chunks_exact(width).zip(&self.0) {
            for (row, weight) in rows {
                let row = &mut gradient[*row as usize * width..][..width];
                row.iter_mut()
                    .zip(of_sum)
                    .for_each(|(to, value)| *to += weight * value);
            }
        }
        Tensor::from_vec(gradient, (count, width), &Device::Cpu).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    #[test]
    fn sums_and_their_gradient_are_those_of_a_product_with_a_matrix() {
        let table = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let table = Var::from_tensor(
            &Tensor::new(&table, &Device::Cpu)
                .unwrap()
                .reshape((3, 2))
                .unwrap(),
        )
        .unwrap();
        let weights = Tensor::new(&[[0f32, 2.0, 0.5], [1.0, 0.0, 0.0]], &Device::Cpu).unwrap();
        let sums = Sums(vec![vec![(2, 0.5), (1, 2.0)], vec![(0, 1.0)]])
            .of(&table)
            .unwrap();
        let product = weights.matmul(&table).unwrap();
        let same = |one: &Tensor, other: &Tensor| {
            assert_eq!(
                one.to_vec2::<f32>().unwrap(),
                other.to_vec2::<f32>().unwrap()
            );
        };
        same(&sums, &product);
        let gradient = |of: Tensor| {
            let gradients = of.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            gradients.get(&table).unwrap().clone()
        };
        same(&gradient(sums), &gradient(product));
    }
}
