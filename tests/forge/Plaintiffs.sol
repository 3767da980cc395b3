// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrable} from "contracts/interfaces/IArbitration.sol";
import {IDRaaSCourt} from "contracts/interfaces/IDRaaSCourt.sol";

/// @dev An arbitrable that brings disputes, pays for them, and remembers its rulings.
contract Plaintiff is IArbitrable {
    IDRaaSCourt internal immutable court;
    mapping(uint256 disputeId => uint256) public rulingOf;
    mapping(uint256 disputeId => uint256) public timesRuled;

    constructor(IDRaaSCourt court_) {
        court = court_;
    }

    receive() external payable {}

    function create(bytes calldata extraData) external returns (uint256) {
        return court.createDispute{value: court.arbitrationCost(extraData)}(10_001, extraData);
    }

    function appeal(uint256 disputeId) external {
        court.appeal{value: court.appealCost(disputeId, "")}(disputeId, "");
    }

    function rule(uint256 disputeId, uint256 ruling) public virtual {
        require(msg.sender == address(court), "not the court");
        rulingOf[disputeId] = ruling;
        ++timesRuled[disputeId];
    }
}

/// @dev Takes its rulings in whatever way does most harm.
contract HostilePlaintiff is Plaintiff {
    enum Way {
        Reverts,
        RevertsAtLength,
        BurnsGas,
        NeedsGas,
        ReEnters,
        Takes
    }

    Way public way;
    uint256 public triesThatFailed;

    constructor(IDRaaSCourt court_) Plaintiff(court_) {}

    function choose(Way way_) external {
        way = way_;
    }

    function rule(uint256 disputeId, uint256 ruling) public override {
        if (way == Way.Reverts) revert("no");
        if (way == Way.BurnsGas) burn(type(uint256).max);
        if (way == Way.NeedsGas) burn(380_000);
        if (way == Way.ReEnters) reEnter(disputeId);
        if (way == Way.RevertsAtLength) {
            assembly {
                revert(0, 100000)
            }
        }
        super.rule(disputeId, ruling);
    }

    function burn(uint256 amount) private view {
        uint256 start = gasleft();
        while (start - gasleft() < amount) {}
    }

    function reEnter(uint256 disputeId) private {
        try court.executeRuling(disputeId) {}
        catch {
            ++triesThatFailed;
        }
        try court.tally(disputeId) {}
        catch {
            ++triesThatFailed;
        }
        try this.appeal(disputeId) {}
        catch {
            ++triesThatFailed;
        }
    }
}

/// @dev A juror that is a contract. While it refuses wei its fees stay where they are; when greedy, it asks again
/// while it is paid.
contract ContractJuror {
    IDRaaSCourt private immutable court;
    bool public refuses;
    bool public greedy;
    bool public secondTryWorked;

    constructor(IDRaaSCourt court_) {
        court = court_;
    }

    function behave(bool refuses_, bool greedy_) external {
        (refuses, greedy) = (refuses_, greedy_);
    }

    function withdraw() external {
        court.withdrawFees();
    }

    receive() external payable {
        require(!refuses, "no thanks");
        if (!greedy) return;
        try court.withdrawFees() {
            secondTryWorked = true;
        } catch {}
    }
}
