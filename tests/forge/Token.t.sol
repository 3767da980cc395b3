// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {DRaaSEscrow} from "contracts/DRaaSEscrow.sol";
import {ResourceToken} from "contracts/ResourceToken.sol";
import {EscrowTest, IDRaaSEscrow, JobTerms, Parameters} from "./EscrowTest.sol";

/// @dev A token that keeps a fee, answers false, or calls back into the escrow before it moves anything.
contract HostileToken is ERC20("Hostile", "H") {
    uint256 public fee;
    bool public refuses;
    address private _target;
    bytes private _call;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function behave(uint256 fee_, bool refuses_) external {
        (fee, refuses) = (fee_, refuses_);
    }

    function callBack(address target, bytes calldata data) external {
        (_target, _call) = (target, data);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (refuses) return false;
        if (_target != address(0)) Consumer(from).act(_target, _call);
        super.transferFrom(from, to, amount);
        if (fee != 0) _burn(to, fee);
        return true;
    }
}

/// @dev A consumer that is a contract, so that a hostile token can make it call.
contract Consumer {
    function act(address target, bytes calldata data) external {
        (bool success, bytes memory answer) = target.call(data);
        if (success) return;
        assembly {
            revert(add(answer, 32), mload(answer))
        }
    }
}

contract TokenTest is EscrowTest {
    function test_the_faucet_gives_once_an_hour_on_test_networks_only() public {
        uint256[4] memory testNetworks = [uint256(1337), 5777, 31337, 11155111];
        for (uint256 i = 0; i < 4; ++i) {
            vm.chainId(testNetworks[i]);
            vm.prank(address(uint160(0xF0 + i)));
            token.faucet();
            vm.assertEq(token.balanceOf(address(uint160(0xF0 + i))), 1000e18);
        }
        vm.expectRevert(abi.encodeWithSelector(ResourceToken.FaucetUsed.selector, T0 + 3600));
        vm.prank(address(0xF0));
        token.faucet();
        at(3600);
        vm.prank(address(0xF0));
        token.faucet();
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(ResourceToken.FaucetClosed.selector));
        token.faucet();
    }

    function test_a_token_that_keeps_a_fee_is_refused() public {
        (HostileToken hostile, DRaaSEscrow target, Consumer who) = hostileMarket();
        hostile.behave(1, false);
        refusesPost(who, target, abi.encodeWithSelector(IDRaaSEscrow.TokenMismatch.selector));
    }

    function test_a_token_that_answers_false_is_refused() public {
        (HostileToken hostile, DRaaSEscrow target, Consumer who) = hostileMarket();
        hostile.behave(0, true);
        refusesPost(who, target, abi.encodeWithSignature("SafeERC20FailedOperation(address)", address(hostile)));
    }

    function test_a_deposit_cannot_be_taken_back_before_it_arrived() public {
        (HostileToken hostile, DRaaSEscrow target, Consumer who) = hostileMarket();
        JobTerms memory terms = termsOf(who);
        hostile.callBack(address(target), abi.encodeCall(IDRaaSEscrow.cancelJob, (terms)));
        refusesPost(who, target, abi.encodeWithSelector(IDRaaSEscrow.TokenMismatch.selector));
        vm.assertEq(hostile.balanceOf(address(target)), 100);
    }

    function test_a_deployment_without_token_arbiter_or_sound_spans_is_refused() public {
        Parameters memory p = parameters();
        refusesDeployment(address(1), arbiter, p);
        refusesDeployment(address(token), address(0), p);
        p.window = 0;
        refusesDeployment(address(token), arbiter, p);
        p = parameters();
        p.lapseAfter = 0;
        refusesDeployment(address(token), arbiter, p);
        p = parameters();
        p.settleGrace = uint256(type(uint32).max) + 1;
        refusesDeployment(address(token), arbiter, p);
        p = parameters();
        p.rulingTime = 0;
        refusesDeployment(address(token), arbiter, p);
        p = parameters();
        p.minBond = uint256(type(uint96).max) + 1;
        refusesDeployment(address(token), arbiter, p);
    }

    function hostileMarket() private returns (HostileToken hostile, DRaaSEscrow target, Consumer who) {
        hostile = new HostileToken();
        target = new DRaaSEscrow(address(hostile), arbiter, parameters());
        who = new Consumer();
        hostile.mint(address(who), 100);
        hostile.mint(address(target), 100); // stands for what belongs to others
        who.act(address(hostile), abi.encodeWithSignature("approve(address,uint256)", address(target), 100));
    }

    function termsOf(Consumer who) private returns (JobTerms memory terms) {
        terms = someTerms();
        terms.consumer = address(who);
        terms.salt = 0;
    }

    function refusesPost(Consumer who, DRaaSEscrow target, bytes memory why) private {
        bytes memory post = abi.encodeCall(IDRaaSEscrow.postJob, (termsOf(who), 100));
        vm.expectRevert(why);
        who.act(address(target), post);
    }

    function refusesDeployment(address token_, address arbiter_, Parameters memory p) private {
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.BadParameters.selector));
        new DRaaSEscrow(token_, arbiter_, p);
    }
}
