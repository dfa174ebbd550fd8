use super::*;
use proptest::prelude::*;

#[test]
fn specifications_print_as_they_parse() {
    for text in [
        "none",
        "ewc:1000",
        "ewc:1000,gamma=0.9,rows=50,fisher=sampled,every=10,gradient=true",
        "ewc:1,gamma=1",
        "si:0.1",
        "si:5000,xi=0.001,gamma=0.5",
        "mas:1,gamma=0.9,rows=7",
        "l2:0.01,anchor=last",
        "lwf:1,temperature=1,new=zero,every=3",
    ] {
        assert_eq!(ConsolidationSpec::parse(text).unwrap().to_string(), text);
    }
    for (text, full) in [("ewc", "ewc:1000"), ("si", "si:0.1"), ("mas", "mas:1"), ("l2", "l2:0.01"), ("lwf", "lwf:1")] {
        assert_eq!(ConsolidationSpec::parse(text).unwrap().to_string(), full);
    }
    assert_eq!(ConsolidationSpec::default().to_string(), "none");
}

#[test]
fn what_cannot_be_is_refused() {
    for (text, says) in [
        ("ewc:-1", r#"expected a strength from 0 to 1000000000000, found "-1""#),
        ("ewc:1,gamma=1.5", r#"expected gamma from 0 to 1, found "1.5""#),
        ("ewc:1,rows=0", r#"expected rows from 1 to 1000000, found "0""#),
        ("ewc:1,fisher=exac", r#"unknown fisher "exac"; did you mean "exact"? allowed: exact, sampled, empirical"#),
        ("si:1,xi=0", r#"expected xi from 0.000001 to 1000000, found "0""#),
        ("l2:1,anchor=first", r#"expected anchor=start or last, found "first""#),
        ("lwf:1,new=one", r#"expected left_out or zero, found "one""#),
        ("mas:1,every=0", r#"expected every=1 or more rows, found "0""#),
        ("none:1", r#""none:1": expected at most 0 arguments, found "1" as well"#),
    ] {
        assert_eq!(ConsolidationSpec::parse(text).unwrap_err().to_string(), says, "{text}");
    }
    for text in ["lwf:1,gradient=true", "l2:1,rows=3", "none:every=3", "ewc:NaN", "ewc:1,2"] {
        assert!(ConsolidationSpec::parse(text).is_err(), "{text}");
    }
    assert!(serde_json::from_str::<ConsolidationSpec>(r#""ewc:1e13""#).is_err());
}

fn methods() -> impl Strategy<Value = Method> {
    let fisher = prop_oneof![Just(Fisher::Exact), Just(Fisher::Sampled), Just(Fisher::Empirical)];
    let new_classes = prop_oneof![Just(NewClasses::LeftOut), Just(NewClasses::Zero)];
    prop_oneof![
        (prop::option::of(0.0..=1.0_f64), 1usize..=1_000_000, fisher).prop_map(|(gamma, rows, fisher)| Method::Ewc {
            gamma,
            rows,
            fisher
        }),
        (1e-6..=1e6_f64, 0.0..=1.0_f64).prop_map(|(xi, gamma)| Method::Si { xi, gamma }),
        (0.0..=1.0_f64, 1usize..=1_000_000).prop_map(|(gamma, rows)| Method::Mas { gamma, rows }),
        any::<bool>().prop_map(|last| Method::L2 { last }),
        (1e-6..=1e6_f64, new_classes).prop_map(|(temperature, new_classes)| Method::Lwf { temperature, new_classes }),
    ]
}

proptest! {
    #[test]
    fn printing_parses_back(
        method in methods(), strength in 0.0..=1e12_f64, every in prop::option::of(1u64..), gradient in any::<bool>(),
    ) {
        let (every, gradient) = (every.and_then(NonZeroU64::new), gradient && !matches!(method, Method::Lwf { .. }));
        let spec = ConsolidationSpec { method, strength, every, gradient };
        prop_assert_eq!(ConsolidationSpec::parse(&spec.to_string()).ok(), Some(spec));
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,24}|(ewc|si|mas|l2|lwf):[0-9.e-]{1,5}(,(gamma|xi|every)=[0-9.e-]{1,5})?") {
        if let Ok(spec) = ConsolidationSpec::parse(&text) {
            prop_assert_eq!(ConsolidationSpec::parse(&spec.to_string()).ok(), Some(spec));
        }
    }
}
