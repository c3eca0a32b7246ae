//! The pages in which `struct page`s are, and which pages these describe.

use super::memory_map::Section;
use super::{Filter, Reader};
use crate::bits::REGION;
use crate::regions::Regions;
use std::ops::Range;

/// Pages that follow one another and hold `struct page`s, and the pages that those describe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StructPages {
    /// The number of the first of them.
    pub first: u64,
    /// The first page that it describes.
    pub describes: u64,
    /// How many of them there are.
    pub count: u64,
    /// How many pages each describes.
    pub each: u64,
}

impl Filter<'_> {
    /// Those that describe a region's pages, as far as no other page is described in them.
    pub(crate) fn struct_pages(&self, regions: &Regions, region: usize) -> Vec<StructPages> {
        let mut found = Vec::new();
        let Some(reader) = &self.reader else {
            return found;
        };
        let mut page = regions.first_page(region);
        let end = page + REGION as u64;
        while page < end {
            let stop = ((page / reader.map.pages() + 1) * reader.map.pages()).min(end);
            if let Ok(Some(section)) = reader.map.section(&reader.kernel, page) {
                reader.struct_pages(&section, page..stop, regions.page_size(), &mut found);
            }
            page = stop;
        }
        found
    }
}

impl Reader<'_> {
    fn struct_pages(
        &self,
        section: &Section,
        pages: Range<u64>,
        page_size: u64,
        found: &mut Vec<StructPages>,
    ) {
        let each = page_size / self.layout.size as u64;
        let mut address = section.page(pages.start, self.layout.size);
        // Otherwise a structure lies in two pages.
        if each * self.layout.size as u64 != page_size || !address.is_multiple_of(page_size) {
            return;
        }
        let mut page = pages.start;
        while page < pages.end {
            let mapped = self.kernel.translate(address).ok();
            // What is mapped page by page may be mapped for several others, too: hugetlbfs has the tails of its pages
            // share their structures (mm/hugetlb_vmemmap.c), and splits the large pages that vmemmap is mapped by.
            let mapped = mapped.filter(|it| it.left > page_size && it.physical % page_size == 0);
            let room = (pages.end - page).div_ceil(each);
            let count = mapped.map_or(1, |it| (it.left / page_size).min(room));
            if let Some(mapped) = mapped {
                found.push(StructPages {
                    first: mapped.physical / page_size,
                    describes: page,
                    count,
                    each,
                });
            }
            page += count * each;
            address = address.wrapping_add(count * page_size);
        }
    }
}

impl StructPages {
    /// Each of them, with the pages that it describes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, Range<u64>)> {
        (0..self.count).map(|number| {
            let start = self.describes + number * self.each;
            (self.first + number, start..start + self.each)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address_space::KernelMemory;
    use crate::filter::{Level, OnDoubt};
    use crate::memory::Memory;
    use crate::samples::pages::{PageSample, Release};

    fn look(sample: &PageSample) -> Vec<StructPages> {
        let info = sample.info();
        let kernel = KernelMemory::new(sample, sample.machine(), &info).unwrap();
        let regions = Regions::new(sample.ranges(), 4096).unwrap();
        let (level, doubt) = (Level::HIGHEST, OnDoubt::Keep);
        let filter = Filter::new(&kernel, &info, level, doubt, &regions, &[]);
        filter.struct_pages(&regions, 1)
    }

    #[test]
    fn they_are_where_the_kernel_has_the_structures() {
        for release in Release::ALL {
            let sample = PageSample::new(release, 2);
            let [found] = &look(&sample)[..] else {
                panic!("{release:?}");
            };
            assert_eq!((found.count, found.each), (512, 64));
            for (page, described) in found.iter() {
                assert_eq!(PageSample::at(described.start), page * 4096);
                assert_eq!(PageSample::at(described.end), (page + 1) * 4096);
            }
        }
    }

    #[test]
    fn structures_that_lie_in_two_pages_are_passed_over() {
        for size in [56, 72, 8192] {
            let mut sample = PageSample::new(Release::V6_12, 2);
            let text = format!("SIZE(page)={size}\n");
            sample.text = sample.text.replace("SIZE(page)=64\n", &text);
            assert_eq!(look(&sample), [], "{size}");
        }
    }
}
